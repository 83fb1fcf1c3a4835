-- Daily aggregates as they are: one row a variant, day and what else they tell apart.
SELECT e.variant_id{keys}, {figures}
FROM event_days e
{filter}
