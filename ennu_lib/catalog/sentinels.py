"""The days by which legacy systems say that there is no date (quality rules PAT-04 and GEN-06)."""

from __future__ import annotations

# MySQL's zero date; the first days of .NET and SQL Server; day 0 of spreadsheets; 1900; the last days of SQL Server's
# small dates and of four-digit years.
NO_DATES = ("0000-00-00", "0001-01-01", "1753-01-01", "1899-12-30", "1900-01-01", "2079-06-06", "9999-12-31")
