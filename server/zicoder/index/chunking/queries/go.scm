(function_declaration name: (_) @name body: (_)? @body) @function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: (_) @owner))
  name: (_) @name body: (_)? @body) @function

(type_spec name: (_) @name type: (struct_type (field_declaration_list) @body)) @class
(type_spec name: (_) @name) @interface
(type_alias name: (_) @name) @interface

(const_spec name: (_) @define)
(var_spec name: (_) @define)
(field_declaration name: (_) @define)
(method_elem name: (_) @define)

(comment) @comment
[(identifier) (type_identifier) (field_identifier) (package_identifier)] @id
