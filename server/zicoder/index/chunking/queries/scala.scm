(class_definition name: (_) @name body: (_)? @body) @class
(object_definition name: (_) @name body: (_)? @body) @class
(enum_definition name: (_) @name body: (_) @body) @class
(trait_definition name: (_) @name body: (_)? @body) @interface
(type_definition name: (_) @name) @interface
(function_definition name: (_) @name body: (_) @body) @function
(function_declaration name: (_) @name) @function
(given_definition name: (_) @name) @function

(val_definition pattern: (identifier) @define)
(var_definition pattern: (identifier) @define)
(val_declaration name: (_) @define)
(simple_enum_case name: (_) @define)

[(comment) (block_comment)] @comment
(annotation) @above
[(identifier) (type_identifier)] @id
