(class_declaration declaration_kind: ["class" "struct" "enum" "actor"] name: (_) @name body: (_) @body) @class
(class_declaration declaration_kind: "extension" name: (_) @name) @extension
(protocol_declaration name: (_) @name body: (_) @body) @interface
(typealias_declaration name: (_) @name) @interface

(function_declaration name: (_) @name body: (_)? @body) @function
(init_declaration "init" @name body: (_)? @body) @function
(deinit_declaration "deinit" @alias body: (_) @body) @function
(subscript_declaration "subscript" @alias) @function
(property_declaration name: (pattern bound_identifier: (_) @name) computed_value: (_) @body) @function

(property_declaration name: (pattern bound_identifier: (_) @define))
(protocol_function_declaration name: (simple_identifier) @define)
(protocol_property_declaration name: (pattern bound_identifier: (_) @define))
(enum_entry name: (simple_identifier) @define)

[(comment) (multiline_comment)] @comment
[(simple_identifier) (type_identifier)] @id
