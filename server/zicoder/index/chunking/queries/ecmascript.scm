(function_declaration name: (identifier) @name body: (_) @body) @function
(generator_function_declaration name: (identifier) @name body: (_) @body) @function
(method_definition name: (_) @name body: (_) @body) @function
(class_declaration name: (_) @name body: (_) @body) @class

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

(export_statement
  "default" @alias
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
) @function
(export_statement "default" @alias value: (class body: (_) @body)) @class
(function_expression name: (identifier) @alias)
(class name: (_) @alias)

(variable_declarator name: (identifier) @define)
(shorthand_property_identifier_pattern) @define

(decorator) @above
(comment) @comment
[
  (identifier) (property_identifier) (private_property_identifier)
  (shorthand_property_identifier) (shorthand_property_identifier_pattern)
] @id
