import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The server serves `dist` under a CSP that allows scripts, styles and pictures from its own origin only,
 * so nothing may be inlined. `vite web` (development) passes the API on to a server on GRAPHIUM_SERVER.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/graphql': { target: process.env.GRAPHIUM_SERVER ?? 'http://127.0.0.1:4000', ws: true } },
  },
});
