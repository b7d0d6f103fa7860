// A proxy that shows the server below `/idp/`, as `location /idp/ { proxy_pass http://…/; }` of nginx does.
import { once } from "node:events";
import { createServer, request } from "node:http";

const PREFIX = "/idp/";

/**
 * Starts it in front of the server at `url`.
 * @returns {Promise<{url: string, stop: () => void}>} where the server's own `/` is, without the slash at the end
 */
export async function startPrefix(url) {
  const proxy = createServer((asked, answer) => {
    if (!asked.url.startsWith(PREFIX)) {
      answer.writeHead(404).end();
      return;
    }
    const { method, headers } = asked;
    const onward = request(url + asked.url.slice(PREFIX.length - 1), { method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.rawHeaders);
      got.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${proxy.address().port}${PREFIX.slice(0, -1)}`,
    stop: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
