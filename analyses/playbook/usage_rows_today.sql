SELECT COUNT(*) FROM `ai-workflows-459123.ai_usage_prod.fct_usage_daily` WHERE DATE(usage_date) = CURRENT_DATE()
