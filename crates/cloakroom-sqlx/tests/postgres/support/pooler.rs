use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use servers::Port;
use tempfile::TempDir;

use super::{port_of, shared_url};

/// `PgBouncer` in front of the shared server, in transaction mode, with few server connections.
pub(crate) struct Pooler {
    port: Port,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    pub(crate) fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), Port::claim().unwrap());
        let settings = folder.path().join("pgbouncer.ini");
        fs::write(&settings, text(port.number())).unwrap();
        for path in [folder.path(), &settings] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL"]);
        command.args(["/usr/sbin/pgbouncer", "-q"]).arg(&settings);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut pooler = Self { port, process, _folder: folder };
        while TcpStream::connect(("127.0.0.1", pooler.port())).is_err() {
            let ended = pooler.process.try_wait().unwrap();
            assert!(ended.is_none(), "pgbouncer did not start: install it with `apt-get install pgbouncer`");
            sleep(Duration::from_millis(10));
        }
        pooler
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://cloakroom@127.0.0.1:{}/cloakroom", self.port())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn text(port: u16) -> String {
    let server = port_of(&shared_url());
    format!(
        "[databases]
cloakroom = host=127.0.0.1 port={server} dbname=cloakroom user=cloakroom password=cloakroom
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 6
"
    )
}
