(document (object (pair key: (string (string_content) @name)) @section))
(pair value: (object (pair key: (string (string_content) @name)) @section))
(comment) @comment
