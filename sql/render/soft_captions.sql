-- One row: the outputs that are planned with captions in a text track.
SELECT count(*) AS count FROM outputs WHERE edit['caption_mode'] = 'soft'
