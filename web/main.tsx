import { createRoot } from 'react-dom/client';
import { App } from './App.tsx';
import { startRouter } from './router.ts';
import { startSession } from './session.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/ui.css';
import './styles/forms.css';
import './styles/layout.css';
import './styles/layers.css';
import './styles/failure.css';
import './styles/tasks.css';
import './styles/screens.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
startSession();
startRouter();
createRoot(root).render(<App />);
