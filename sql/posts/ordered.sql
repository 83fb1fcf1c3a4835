-- The view posts in posting order.
SELECT * FROM posts ORDER BY post
