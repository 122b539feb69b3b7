//! The MySQL and MariaDB store against a real server.
