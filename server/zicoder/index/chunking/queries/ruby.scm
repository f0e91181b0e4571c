(module name: (_) @name) @namespace
(class name: (_) @name body: (_)? @body) @class
(singleton_class) @extension
(method name: (_) @name body: (_)? @body) @function
(singleton_method name: (_) @name body: (_)? @body) @function

(assignment left: (constant) @define)
(call
  method: (identifier) @_method (#any-of? @_method "attr_reader" "attr_accessor" "attr_writer" "define_method" "scope")
  arguments: (argument_list (simple_symbol) @define))

(comment) @comment
[(identifier) (constant) (instance_variable) (class_variable) (global_variable)] @id
