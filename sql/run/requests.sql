SELECT * EXCEPT (error_code, error_message), CAST($request_file AS VARCHAR) AS request_file FROM checked
