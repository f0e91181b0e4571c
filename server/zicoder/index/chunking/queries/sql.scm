(create_table (object_reference name: (_) @name)) @class
(create_view (object_reference name: (_) @name)) @class
(create_materialized_view (object_reference name: (_) @name)) @class
(create_type (object_reference name: (_) @name)) @class
(create_function (object_reference name: (_) @name)) @function
(create_trigger (object_reference name: (_) @name)) @section
(create_index column: (_) @name) @section
(column_definition name: (_) @define)

[(comment) (marginalia)] @comment
(identifier) @id
