//! Services on roles.
