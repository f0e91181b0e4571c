(rule_set (selectors) @name) @section
(keyframes_statement (keyframes_name) @name) @section
(media_statement) @section
(supports_statement) @section
(at_rule) @section

(comment) @comment
[(class_name) (id_name)] @id
