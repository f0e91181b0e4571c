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

(public_field_definition
  name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]
) @function
(public_field_definition name: (property_identifier) @define)
(type_identifier) @id
