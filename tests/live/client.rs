//! A client that speaks plain HTTP/1.1 and shows exactly what came back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    /// The value of a field of its head.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Sends one request for `host` on a connection of its own.
pub fn get(address: SocketAddr, host: &str, target: &str) -> Response {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    send(TcpStream::connect(address).unwrap(), request.as_bytes())
}

/// Writes a request and reads to the end of the connection.
pub fn send(mut stream: impl Read + Write, request: &[u8]) -> Response {
    stream.write_all(request).unwrap();
    let mut bytes = Vec::new();
    // A TLS peer that closes without close_notify is an error after the data that counts.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Response { status: status.unwrap_or_else(|| panic!("no status: {head}")), head: head.into(), body: body.into() }
}

/// A connection that gives up after a while.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// A connection that carries one request after another, and tells a response that is cut from one that is whole.
pub struct Session {
    pub stream: BufReader<TcpStream>,
}

impl Session {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(connect(address))
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub fn get(&mut self, host: &str, target: &str) -> io::Result<Response> {
        self.request("GET", host, target, "")
    }

    pub fn request(&mut self, method: &str, host: &str, target: &str, body: &str) -> io::Result<Response> {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.write(format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{length}\r\n{body}").as_bytes())?;
        self.response()
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads a whole response.
    pub fn response(&mut self) -> io::Result<Response> {
        let mut response = self.head()?;
        let mut body = Vec::new();
        if response.field("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
            }
        } else if let Some(length) = response.field("content-length") {
            body.resize(length.parse().map_err(io::Error::other)?, 0);
            self.stream.read_exact(&mut body)?;
        } else {
            self.stream.read_to_end(&mut body)?;
        }
        response.body = String::from_utf8_lossy(&body).into_owned();
        Ok(response)
    }

    /// Reads the head of a response, and nothing of its body.
    pub fn head(&mut self) -> io::Result<Response> {
        let mut head = String::new();
        loop {
            match self.line()?.as_str() {
                "" => break,
                line => head = head + line + "\r\n",
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {head}")))?;
        Ok(Response { status, head, body: String::new() })
    }

    /// Reads a chunk of a body; the last one is none.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk)?;
        if !self.line()?.is_empty() {
            return Err(io::Error::other("a chunk that is longer than it says"));
        }
        Ok((size > 0).then_some(chunk))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(line.to_owned())
    }
}
