
(() => {
  "use strict";
  const root = new URL("ROOT", location.href).href.replace(/\/$/, "");
  const spec = new URL("SPEC", location.href).href;
  const credentials = ["authorization", "x-session-token", "KEY_HEADER"];
  const send = window.fetch.bind(window);

  const here = (url) => (typeof url === "string" && url.startsWith("/") ? root + url : url);

  const described = (document) => {
    document.servers = [{ url: root }];
    for (const scheme of Object.values(document.components?.securitySchemes ?? {})) {
      for (const flow of Object.values(scheme.flows ?? {})) {
        flow.tokenUrl = here(flow.tokenUrl);
        flow.refreshUrl = here(flow.refreshUrl);
      }
    }
    return document;
  };

  window.fetch = async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const headers = new Headers(init?.headers ?? request?.headers);
    if (credentials.some((name) => headers.has(name))) {
      return send(input, { ...init, credentials: "omit" });
    }
    const answer = await send(input, init);
    if (!answer.ok || new URL(request?.url ?? input, location.href).href !== spec) {
      return answer;
    }
    const text = JSON.stringify(described(await answer.json()));
    return new Response(text, { headers: { "content-type": "application/json" } });
  };
})();
