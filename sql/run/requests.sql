SELECT * EXCEPT (error_code, error_message, sound), CAST($request_file AS VARCHAR) AS request_file FROM checked
