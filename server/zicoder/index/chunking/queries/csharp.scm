(namespace_declaration name: (_) @name) @namespace

(class_declaration name: (_) @name body: (_)? @body) @class
(struct_declaration name: (_) @name body: (_)? @body) @class
(record_declaration name: (_) @name body: (_)? @body) @class
(enum_declaration name: (_) @name body: (_)? @body) @class
(interface_declaration name: (_) @name body: (_)? @body) @interface
(delegate_declaration name: (_) @name) @interface

(method_declaration name: (_) @name body: (_)? @body) @function
(constructor_declaration name: (_) @name body: (_)? @body) @function
(destructor_declaration name: (_) @name body: (_)? @body) @function
(operator_declaration operator: _ @name body: (_)? @body) @function
(property_declaration name: (_) @name accessors: (_) @body) @function
(indexer_declaration "this" @alias accessors: (_) @body) @function
(local_function_statement name: (_) @name body: (_)? @body) @function

(field_declaration (variable_declaration (variable_declarator name: (_) @define)))
(event_field_declaration (variable_declaration (variable_declarator name: (_) @define)))
(enum_member_declaration name: (_) @define)

(comment) @comment
(identifier) @id
