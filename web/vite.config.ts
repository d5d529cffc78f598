import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compress } from './vite/compress.ts';
import { playground } from './vite/playground.ts';

const SERVER = process.env.GRAPHIUM_SERVER ?? 'http://127.0.0.1:4000';

/**
 * The server serves `dist` under a CSP that allows scripts, styles and pictures from its own origin only,
 * so nothing may be inlined. `vite web` (development) passes the API on to a server on GRAPHIUM_SERVER.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react(), playground(), compress()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // Compression takes most of the build's time, which is no news.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    proxy: {
      '/graphql': { target: SERVER, ws: true },
      // The playground's; this server's own files lie elsewhere.
      '/assets': SERVER,
    },
  },
});
