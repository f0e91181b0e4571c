(class_declaration ["class" (modifiers)] name: (_) @name [(class_body) (enum_class_body)]? @body) @class
(class_declaration "interface" name: (_) @name (class_body)? @body) @interface
(object_declaration name: (_) @name (class_body)? @body) @class
(companion_object) @extension
(function_declaration name: (_) @name (function_body)? @body) @function
(secondary_constructor "constructor" @alias (block)? @body) @function
(type_alias type: (_) @name) @interface

; An extension function belongs to its receiver.
(function_declaration (user_type) @owner . "." . name: (_))

(property_declaration (variable_declaration (identifier) @define))
(enum_entry (identifier) @define)

[(line_comment) (block_comment)] @comment
(identifier) @id
