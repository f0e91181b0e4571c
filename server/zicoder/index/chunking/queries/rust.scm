(mod_item name: (_) @name body: (_)) @namespace
(impl_item type: (_) @name) @extension

(function_item name: (_) @name body: (_) @body) @function
(function_signature_item name: (_) @name) @function
(macro_definition name: (_) @name) @function
(struct_item name: (_) @name body: (_)? @body) @class
(enum_item name: (_) @name body: (_) @body) @class
(union_item name: (_) @name body: (_) @body) @class
(trait_item name: (_) @name body: (_) @body) @interface
(type_item name: (_) @name) @interface

(const_item name: (_) @define)
(static_item name: (_) @define)
(field_declaration name: (_) @define)
(enum_variant name: (_) @define)
(associated_type name: (_) @define)

(attribute_item) @above
[(line_comment) (block_comment)] @comment
[(identifier) (type_identifier) (field_identifier)] @id
