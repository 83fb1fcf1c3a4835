-- How many variants have a window that moves over the picture.
SELECT count(*) AS variants FROM variants WHERE cardinality(reframe) > 0
