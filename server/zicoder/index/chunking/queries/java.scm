(class_declaration name: (_) @name body: (_) @body) @class
(record_declaration name: (_) @name body: (_) @body) @class
(enum_declaration name: (_) @name body: (_) @body) @class
(interface_declaration name: (_) @name body: (_) @body) @interface
(annotation_type_declaration name: (_) @name body: (_) @body) @interface

(method_declaration name: (_) @name body: (_)? @body) @function
(constructor_declaration name: (_) @name body: (_) @body) @function
(compact_constructor_declaration name: (_) @name body: (_) @body) @function

(field_declaration declarator: (variable_declarator name: (_) @define))
(constant_declaration declarator: (variable_declarator name: (_) @define))
(enum_constant name: (_) @define)

[(line_comment) (block_comment)] @comment
[(identifier) (type_identifier)] @id
