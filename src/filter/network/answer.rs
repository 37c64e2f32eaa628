//! What a server answers to a ClientHello that was passed on.

use std::rc::Rc;

use super::waiting::Awaits;
use super::{Connection, Hop, Network, Phase};
use crate::decision::{
    Cause, Direction, MAX_ALERTS, MAX_OPENING, Opening, Transport, Verdict, read_server_hello,
};
use crate::filter::guard::Step;
use crate::host::Host;

/// A connection on which the server has not answered.
pub(super) struct Unanswered {
    /// What the client's hop showed.
    pub(super) client: Hop,
    /// The verdicts on both hops. They are counted once the server's answer does
    /// not change them any more.
    pub(super) verdicts: [(Direction, Rc<Verdict>); 2],
    /// Alerts of the server that passed.
    pub(super) alerts: usize,
}

impl<H: Host> Network<H> {
    /// The server's first bytes after a ClientHello that was passed on: the
    /// version that it chose is judged, where that is not the newest offered.
    pub(super) fn on_answer_of_server(
        &mut self,
        stream: u32,
        connection: &Connection,
        size: usize,
        end: bool,
    ) -> Step {
        if size == 0 {
            return self.pass_unanswered(stream, connection, end);
        }
        let bytes = self.base.host.first_bytes(Direction::Upstream, MAX_OPENING);
        let unreadable = |detail| (Cause::EvidenceUnreadable, detail);
        if bytes.len() != size.min(MAX_OPENING) {
            let why = unreadable("the host does not show what the server sent");
            return self.deny(stream, connection, Direction::Upstream, why);
        }
        let Some(unanswered) = self.unanswered.get_mut(&stream) else {
            let why = unreadable("the client's hello is not known any more");
            return self.deny(stream, connection, Direction::Upstream, why);
        };
        let transport = match read_server_hello(&bytes) {
            Opening::Alerts(count) => {
                unanswered.alerts = unanswered.alerts.saturating_add(count);
                if unanswered.alerts <= MAX_ALERTS {
                    self.release_to_judge(stream);
                    return self.pass_unanswered(stream, connection, end);
                }
                Transport::Plaintext
            }
            Opening::Incomplete if !end => {
                return self.hold(stream, connection, Awaits::ServerHello);
            }
            Opening::Hello(hello) => Transport::Passthrough(hello.version),
            Opening::Incomplete | Opening::Other(_) => Transport::Plaintext,
        };
        self.release_to_judge(stream);
        let step = match self.unanswered.remove(&stream) {
            Some(unanswered) => self.judge_answer(unanswered, transport),
            None => Step::Stop,
        };
        self.finish(connection, step)
    }

    /// What came is no answer, and may pass. Where the server has ended, none will
    /// come.
    fn pass_unanswered(&mut self, stream: u32, connection: &Connection, end: bool) -> Step {
        if end && let Some(unanswered) = self.unanswered.remove(&stream) {
            self.count(&unanswered.verdicts);
            self.permit(connection, Phase::Passed);
        }
        Step::Continue
    }

    fn judge_answer(&mut self, unanswered: Unanswered, transport: Transport) -> Step {
        let mut client = unanswered.client;
        match &mut client.evidence {
            Ok(evidence) if evidence.transport != transport => evidence.transport = transport,
            Ok(_) | Err(_) => {
                self.count(&unanswered.verdicts);
                return Step::Continue;
            }
        }
        let mut server = self.server_hop(&client);
        if let Ok(evidence) = &mut server.evidence {
            evidence.transport = transport;
        }
        let sides = [
            (Direction::Downstream, &client),
            (Direction::Upstream, &server),
        ];
        let is_denied = sides
            .into_iter()
            .any(|(direction, hop)| self.judge_again(direction, hop) == Step::Stop);
        if is_denied {
            Step::Stop
        } else {
            Step::Continue
        }
    }
}
