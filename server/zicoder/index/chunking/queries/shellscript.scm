(function_definition name: (word) @name body: (_) @body) @function
(variable_assignment name: (variable_name) @define)

(comment) @comment
[(variable_name) (command_name (word))] @id
