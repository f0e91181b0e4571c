(namespace_definition name: (_)? @name body: (_)) @namespace

(function_definition body: (_)? @body) @function
(function_definition declarator: (function_declarator
  declarator: [(identifier) (field_identifier) (qualified_identifier) (operator_name) (destructor_name)] @name))
(function_definition declarator: (_ (function_declarator
  declarator: [(identifier) (field_identifier) (qualified_identifier) (operator_name) (destructor_name)] @name)))
(function_definition declarator: (operator_cast) @name)
(preproc_function_def name: (_) @name value: (_)? @body) @function
(concept_definition name: (_) @name) @interface

(class_specifier name: (_)? @name body: (_) @body) @class
(struct_specifier name: (_)? @name body: (_) @body) @class
(union_specifier name: (_)? @name body: (_) @body) @class
(enum_specifier name: (_)? @name body: (_) @body) @class
(alias_declaration name: (_) @define)
(type_definition
  type: [(struct_specifier body: (_)) (union_specifier body: (_)) (enum_specifier body: (_)) (class_specifier body: (_))]
  declarator: (type_identifier) @alias @define) @wrapper
(template_declaration [(function_definition) (class_specifier) (struct_specifier) (concept_definition)]) @wrapper

(type_definition declarator: (type_identifier) @define)
(preproc_def name: (_) @define)
(declaration declarator: (init_declarator declarator: (identifier) @define))
(field_declaration declarator: (field_identifier) @define)
(field_declaration declarator: (_ declarator: (field_identifier) @define))
(enumerator name: (_) @define)

(comment) @comment
[(identifier) (type_identifier) (field_identifier) (namespace_identifier)] @id
