SELECT * EXCEPT (error_code, error_message) FROM checked
