//! The Redis servers of the demo.

use std::net::SocketAddr;

use hopguard_testbed::Result;
use hopguard_testbed::redis::Redis;
use hopguard_testbed::revocation::Known;

use crate::pki::{CACHE, Certificates, DATABASE};

/// Each serves many cases, one after the other.
pub struct Redises {
    good: Redis,
    plaintext: Redis,
    misnamed: Redis,
    revoked: Redis,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// With TLS, and a certificate of our CA that names the cache and the database. The
    /// responder knows it to be good.
    Good,
    Plaintext,
    /// With TLS, and a certificate of another name.
    Misnamed,
    /// With TLS, and a certificate that the responder knows to be revoked.
    Revoked,
}

impl Redises {
    pub async fn start(c: &Certificates) -> Result<Self> {
        let good = c.company.server(CACHE).dns(DATABASE);
        let good = c.known(good, Known::Good);
        let revoked = c.known(c.company.server(CACHE), Known::Revoked);
        let misnamed = c.company.server("other.example").issue();
        let (good, plaintext, misnamed, revoked) = tokio::try_join!(
            Redis::tls(&good).start(),
            Redis::plaintext().start(),
            Redis::tls(&misnamed).start(),
            Redis::tls(&revoked).start(),
        )?;
        Ok(Self {
            good,
            plaintext,
            misnamed,
            revoked,
        })
    }

    pub fn address(&self, which: Which) -> SocketAddr {
        self.redis(which).addr()
    }

    /// Bytes of commands that it has read so far, or of what it took for such; of TLS what was
    /// in it. Without any, there were no commands either.
    pub async fn bytes(&self, which: Which) -> Result<u64> {
        let redis = self.redis(which);
        // Whatever lay in its sockets when it was asked first, it has read by the second time.
        redis.traffic().await?;
        Ok(redis.traffic().await?.input_bytes)
    }

    fn redis(&self, which: Which) -> &Redis {
        match which {
            Which::Good => &self.good,
            Which::Plaintext => &self.plaintext,
            Which::Misnamed => &self.misnamed,
            Which::Revoked => &self.revoked,
        }
    }
}
