(function_declaration name: (identifier) @name body: (_) @body) @function
(generator_function_declaration name: (identifier) @name body: (_) @body) @function
(method_definition name: (_) @name body: (_) @body) @function
(class_declaration name: (_) @name body: (_) @body) @class
(abstract_class_declaration name: (_) @name body: (_) @body) @class
(enum_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(type_alias_declaration name: (_) @name) @interface
(internal_module name: (_) @name) @namespace
(module name: (_) @name) @namespace

(function_signature name: (_) @name) @function
(class_body [(method_signature name: (_) @name) (abstract_method_signature name: (_) @name)] @function)
(interface_body [(property_signature name: (_) @define) (method_signature name: (_) @define)])
(enum_body [(property_identifier) @define (enum_assignment name: (property_identifier) @define)])

(variable_declarator
  name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]
) @function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @class
(variable_declarator name: (identifier) @name value: (object)) @namespace

(assignment_expression
  left: [(identifier) (member_expression)] @name
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]
) @function
(assignment_expression left: [(identifier) (member_expression)] @name right: (class body: (_) @body)) @class
(assignment_expression left: [(identifier) (member_expression)] @name right: (object)) @namespace

(pair
  key: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]
) @function
(public_field_definition
  name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
) @function

(export_statement
  "default" @alias
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
) @function
(export_statement "default" @alias value: (class body: (_) @body)) @class
(function_expression name: (identifier) @alias)
(class name: (_) @alias)

(variable_declarator name: (identifier) @define)
(shorthand_property_identifier_pattern) @define
(public_field_definition name: (property_identifier) @define)

(decorator) @above
(comment) @comment
[
  (identifier) (type_identifier) (property_identifier) (private_property_identifier)
  (shorthand_property_identifier) (shorthand_property_identifier_pattern)
] @id
