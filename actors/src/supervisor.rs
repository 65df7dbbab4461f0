//! Supervision: who watches, who publishes a plan, and who brings a dead actor back.
