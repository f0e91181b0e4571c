(block_mapping_pair key: (_) @name) @section
(comment) @comment
