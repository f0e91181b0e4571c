;;; zi.el --- Zi Coder for Emacs, on Eglot  -*- lexical-binding: t; -*-

;; Emacs 28 with Eglot 1.9 or newer, or Emacs 29 and newer, where Eglot is built in.
;; In the init file: (load "/path/of/zi.el") (add-hook 'python-mode-hook #'eglot-ensure)

;;; Commentary:
;; Eglot does completion, hover, code actions and diagnostics. Here are the two things that it does not know: what
;; streams from a /command, and inline suggestions, which are asked for by hand.

;;; Code:
(require 'eglot)
(require 'seq)

(defgroup zi nil "Zi Coder." :group 'tools)

(defcustom zi-command '("zi" "lsp")
  "How the server is started. Takes effect when this file is loaded."
  :type '(repeat string))

(defcustom zi-modes '(python-mode python-ts-mode)
  "Major modes that Eglot gives to Zi; it has one server for a buffer.
Takes effect when this file is loaded."
  :type '(repeat symbol))

(defclass zi-server (eglot-lsp-server) () :documentation "The server of Zi Coder.")

(add-to-list 'eglot-server-programs `(,zi-modes . (zi-server ,@zi-command)))

(defvar zi--streams (make-hash-table :test #'equal) "What is done with the events of running commands, by token.")
(defvar zi--last nil "Token of the command that began last: it alone is shown.")
(defvar zi--conversation nil "The conversation that the next command goes on with.")

(defun zi--server ()
  "The server of this buffer."
  (let ((server (eglot-current-server)))
    (unless (object-of-class-p server 'zi-server)
      (user-error "Zi does not run here; try M-x eglot"))
    server))

(cl-defmethod eglot-handle-notification ((server zi-server) (_method (eql '$/progress)) &rest params)
  "Take the streams of our commands; the rest is Eglot's."
  (let ((told (gethash (plist-get params :token) zi--streams)))
    (cond ((not told) (cl-call-next-method))
          (t (ignore server) (seq-do told (plist-get (plist-get params :value) :events))))))

(cl-defmethod eglot-handle-notification ((_server zi-server) (_method (eql 'zi/status)) &rest _params)
  "The engine's status is not shown.")

(defun zi--show (token text)
  "Show TEXT of the command of TOKEN in place of what was shown."
  (when (equal token zi--last)
    (with-current-buffer (get-buffer-create "*zi*")
      (unless (derived-mode-p 'text-mode)
        (if (fboundp 'markdown-mode) (funcall 'markdown-mode) (text-mode))
        (visual-line-mode))
      (erase-buffer)
      (insert text)
      (display-buffer (current-buffer)))))

(defun zi--ended (token answer)
  "Show ANSWER, the result of the command of TOKEN.
It counts before what was streamed."
  (remhash token zi--streams)
  (let ((problem (plist-get answer :error)))
    (setq zi--conversation (or (plist-get (plist-get answer :data) :conversation) zi--conversation))
    (zi--show token (if problem
                        (concat (plist-get problem :message) "\n" (plist-get problem :hint))
                      (plist-get answer :text)))))

;;;###autoload
(defun zi (text)
  "Ask TEXT, a question or a /command, about the region or the place of point."
  (interactive (list (read-string "Zi (question or /command): ")))
  (let* ((server (zi--server))
         (token (format "zi-%s-%s" (emacs-pid) (random)))
         (said "")
         (first (if (use-region-p) (region-beginning) (point)))
         (last (if (use-region-p) (region-end) (point)))
         (about (list :text text
                      :token token
                      :uri (plist-get (eglot--TextDocumentIdentifier) :uri)
                      :range (list :start (eglot--pos-to-lsp-position first)
                                   :end (eglot--pos-to-lsp-position last)))))
    (when zi--conversation
      (setq about (plist-put about :conversation zi--conversation)))
    (puthash token
             (lambda (event)
               (when (equal (plist-get event :kind) "delta")
                 (zi--show token (setq said (concat said (plist-get event :text))))))
             zi--streams)
    (setq zi--last token)
    (zi--show token "…")
    (eglot--signal-textDocument/didChange)
    (jsonrpc-async-request
     server :workspace/executeCommand (list :command "zi.run" :arguments (vector about))
     :timeout nil
     :success-fn (lambda (answer) (zi--ended token answer))
     :error-fn (lambda (problem) (zi--ended token (list :error problem))))))

(defun zi-new-conversation ()
  "Have the next question begin a new conversation."
  (interactive)
  (setq zi--conversation nil))

;;; Inline suggestions, by hand

(defvar-local zi--ghost nil "The overlay of the suggestion that is shown.")

(defun zi--hide ()
  "Show no suggestion any more."
  (when zi--ghost
    (delete-overlay zi--ghost)
    (setq zi--ghost nil)))

(defun zi-accept ()
  "Insert the suggestion that is shown."
  (interactive)
  (when zi--ghost
    (let ((text (overlay-get zi--ghost 'zi-text)))
      (goto-char (overlay-start zi--ghost))
      (zi--hide)
      (insert text))))

(defvar zi-suggestion-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'zi-accept)
    (define-key map (kbd "<tab>") #'zi-accept)
    map)
  "Keys while a suggestion is shown. Every other key takes it away.")

(defun zi--suggested (buffer tick place answer)
  "Show the suggestion in ANSWER at PLACE, if BUFFER is still as it was at TICK."
  (let* ((items (if (vectorp answer) answer (plist-get answer :items)))
         (text (and (> (length items) 0) (plist-get (elt items 0) :insertText))))
    (if (not text)
        (message "Zi has no suggestion here")
      (when (eq buffer (window-buffer))
        (with-current-buffer buffer
          (when (and (= tick (buffer-chars-modified-tick)) (= place (point)))
            (zi--hide)
            (setq zi--ghost (make-overlay place place))
            (overlay-put zi--ghost 'zi-text text)
            (overlay-put zi--ghost 'after-string (propertize text 'face 'shadow 'cursor t))
            (set-transient-map zi-suggestion-map nil (lambda () (with-current-buffer buffer (zi--hide))))))))))

;;;###autoload
(defun zi-suggest ()
  "Ask for a suggestion at point: TAB inserts it, any other key takes it away."
  (interactive)
  (zi--hide)
  (eglot--signal-textDocument/didChange)
  (let ((buffer (current-buffer)) (tick (buffer-chars-modified-tick)) (place (point)))
    (jsonrpc-async-request
     (zi--server) :textDocument/inlineCompletion
     (append (eglot--TextDocumentPositionParams) '(:context (:triggerKind 1)))
     :timeout 60
     :success-fn (lambda (answer) (zi--suggested buffer tick place answer))
     :error-fn (lambda (problem) (message "Zi: %s" (plist-get problem :message))))))

(provide 'zi)
;;; zi.el ends here
