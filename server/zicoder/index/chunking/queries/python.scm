(function_definition name: (identifier) @name ":" @body) @function
(class_definition name: (identifier) @name ":" @body) @class
(type_alias_statement left: (type (identifier) @define))

(module . (comment)* . (expression_statement (string (string_content) @doc)))
(function_definition body: (block . (expression_statement (string (string_content) @doc))))
(class_definition body: (block . (expression_statement (string (string_content) @doc))))

(expression_statement (assignment left: (identifier) @define))
(expression_statement (assignment left: (pattern_list (identifier) @define)))

(decorator) @above
(comment) @comment
(identifier) @id
