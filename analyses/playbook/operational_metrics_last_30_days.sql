-- Query operational metrics for review
SELECT
  incident_id,
  severity_level,
  mttr_minutes,
  root_cause_category,
  resolution_time
FROM operational_metrics
WHERE DATE(detection_time) >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)
ORDER BY detection_time DESC;
