//! What a client gets when it is denied: a status, a short code and the
//! event's id. Why is for the log alone.

use crate::decision::Direction;
use crate::host::Host;

/// The `code` of the body, and the response code details.
pub const CODE: &str = "hopguard_denied";

/// Denies the current request.
pub fn deny(host: &impl Host, direction: Direction, event_id: &str) {
    let status = match direction {
        Direction::Downstream => 403,
        Direction::Upstream => 503,
    };
    let body = format!("{{\"code\":\"{CODE}\",\"id\":\"{event_id}\"}}\n");
    host.respond(status, CODE, "application/json", &body);
}
