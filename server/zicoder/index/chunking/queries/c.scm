(function_definition body: (_) @body) @function
(function_definition declarator: (function_declarator declarator: (identifier) @name))
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
(function_definition
  declarator: (pointer_declarator
    declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))))
(function_definition
  declarator: (function_declarator
    declarator: (parenthesized_declarator
      (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))))
(preproc_function_def name: (_) @name value: (_)? @body) @function

(struct_specifier name: (_)? @name body: (_) @body) @class
(union_specifier name: (_)? @name body: (_) @body) @class
(enum_specifier name: (_)? @name body: (_) @body) @class
(type_definition
  type: [(struct_specifier body: (_)) (union_specifier body: (_)) (enum_specifier body: (_))]
  declarator: (type_identifier) @alias @define) @wrapper

(type_definition declarator: (type_identifier) @define)
(preproc_def name: (_) @define)
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @define)))
(translation_unit (declaration declarator: (identifier) @define))
(field_declaration declarator: (field_identifier) @define)
(field_declaration declarator: (_ declarator: (field_identifier) @define))
(enumerator name: (_) @define)

(comment) @comment
[(identifier) (type_identifier) (field_identifier)] @id
