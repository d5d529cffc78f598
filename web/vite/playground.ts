import { css, editorWorkerService, graphqlWorker, js, jsonWorker } from '@graphql-yoga/render-graphiql/graphiql';
import type { Plugin } from 'vite';

/**
 * Builds the playground: GraphiQL with its styles and workers as files with hashed names, which a browser keeps, and
 * `playground.html`, which the server sends at `/graphql` with its options in place of `__OPTIONS__`. The package of
 * graphql-yoga would put all nine megabytes into every answer.
 */
export function playground(): Plugin {
  return {
    name: 'graphium-playground',
    apply: 'build',
    generateBundle() {
      const emit = (name: string, source: string) =>
        `/${this.getFileName(this.emitFile({ type: 'asset', name, source }))}`;
      const workers = {
        editorWorkerService: emit('playground-editor-worker.js', editorWorkerService),
        json: emit('playground-json-worker.js', jsonWorker),
        graphql: emit('playground-graphql-worker.js', graphqlWorker),
      };
      const styles = emit('playground.css', css);
      const script = emit(
        'playground.js',
        [USE_THE_PAGES_TOKEN, OPEN_THE_LAST_TAB, connectWorkers(workers), js, START].join(';\n'),
      );
      this.emitFile({ type: 'asset', fileName: 'playground.html', source: toHtml(styles, script) });
    },
  };
}

const toHtml = (styles: string, script: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Graphium playground</title>
    <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
    <link rel="stylesheet" href="${styles}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>The playground needs JavaScript. The API at /graphql does not.</noscript>
    <div id="root"></div>
    <script id="options" type="application/json">__OPTIONS__</script>
    <script src="${script}"></script>
  </body>
</html>
`;

/**
 * Lets people who are signed in on the page use the playground without pasting their token: where the Headers name none,
 * the token that the page keeps is sent. Both are of one origin, so nobody learns it who could not read it already.
 */
const USE_THE_PAGES_TOKEN = `{
  const plainFetch = window.fetch;
  window.fetch = (input, init = {}) => {
    const headers = new Headers(init.headers);
    const token = localStorage.getItem('graphium.token');
    if (!headers.get('authorization') && token) headers.set('authorization', 'Bearer ' + token);
    return plainFetch(input, { ...init, headers });
  };
}`;

/**
 * GraphiQL 5 opens one more tab, an empty one, where it finds the query that it remembers in none of the tabs that it keeps, and
 * it remembers none before somebody has typed. What stood in the last tab is what it is to remember, unless the address says more.
 */
const OPEN_THE_LAST_TAB = `try {
  const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
  const last = tabs[activeTabIndex];
  if (last && !new URLSearchParams(location.search).has('query')) {
    for (const name of ['query', 'variables']) {
      if (last[name]) localStorage.setItem('graphiql:' + name, last[name]);
      else localStorage.removeItem('graphiql:' + name);
    }
  }
} catch {
  // Nothing was kept: the first visit.
}`;

const connectWorkers = (workers: Record<string, string>) => `{
  const workers = ${JSON.stringify(workers)};
  self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => workers[label] };
}`;

const START = `YogaGraphiQL.renderYogaGraphiQL(
  document.querySelector('#root'),
  JSON.parse(document.querySelector('#options').textContent),
);
`;
