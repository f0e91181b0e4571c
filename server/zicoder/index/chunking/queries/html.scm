(element (start_tag (tag_name) @name)) @section
(script_element (start_tag (tag_name) @name)) @section
(style_element (start_tag (tag_name) @name)) @section
(attribute
  (attribute_name) @_key (#eq? @_key "id")
  (quoted_attribute_value (attribute_value) @define))

(comment) @comment
