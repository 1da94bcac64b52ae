import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

/** Cameras that do not deliver: each repeats what it was asked in its answer, as login pages do. */
export async function startCameras(): Promise<HttpServer> {
  const server = createHttpServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    if (path.startsWith('/closes')) {
      response.destroy();
      return;
    }
    if (path.startsWith('/page')) {
      response.setHeader('content-type', 'text/html');
      response.end(`<html><title>Login</title>${path}</html>`);
      return;
    }
    response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' });
    response.end(`refused ${path}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
