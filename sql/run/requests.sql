SELECT * EXCEPT (error_code, error_message, sound, timecodes), CAST($request_file AS VARCHAR) AS request_file FROM checked
