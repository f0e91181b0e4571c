;;; A user's session in Emacs with docs/editors/zi.el  -*- lexical-binding: t; -*-
;; emacs --batch -q -l emacs_session.el in a folder with area.py; $SERVER_PYTHON is the interpreter, $ZI_EL the file.
;; Prints a line per check and ends with status 0 if all hold.

(require 'package)
(package-initialize)
(setq debug-on-error nil
      eglot-sync-connect 120
      eglot-connect-timeout 120
      eglot-confirm-server-initiated-edits nil
      jsonrpc-default-request-timeout 60
      eglot-workspace-configuration '(:zi (:diagnostics (:level "all")))
      zi-command (list (getenv "SERVER_PYTHON") "-P" "-m" "zicoder" "lsp"))
(load (getenv "ZI_EL") nil t)

(defvar failures 0)

(defun check (name ok &optional info)
  (unless ok (setq failures (1+ failures)))
  (princ (format "%s %s%s\n" (if ok "ok  " "FAIL") name (if ok "" (format "  -> %S" info)))))

(defun wait-for (holds)
  (let ((deadline (+ (float-time) 90)) found)
    (while (and (not (setq found (funcall holds))) (< (float-time) deadline))
      (accept-process-output nil 0.05))
    found))

(defun answer ()
  (with-current-buffer (get-buffer-create "*zi*") (buffer-string)))

(defun session ()
  (find-file "area.py")
  (python-mode)
  (eglot-ensure)
  (run-hooks 'post-command-hook)
  (check "attached" (wait-for #'eglot-current-server))
  (check "it is ours" (object-of-class-p (eglot-current-server) 'zi-server))

  ;; completion, as M-TAB does it
  (goto-char (point-max))
  (insert "import json\njson.JSONDecodeErr")
  (completion-at-point)
  (check "completion" (equal (buffer-substring (line-beginning-position) (point)) "json.JSONDecodeError")
         (buffer-string))

  ;; hover, as eldoc asks for it
  (goto-char (+ (point-min) 5))
  (let (told)
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq told text)))
    (check "hover" (wait-for (lambda () (and told (string-match-p "area(width, height)" told)))) told))

  ;; a problem that the server tells, and its code action
  (goto-char (point-max))
  (insert "\nprint(os.sep)\n")
  (eglot--signal-textDocument/didChange)
  (flymake-start)
  (check "diagnostics" (wait-for #'flymake-diagnostics) (buffer-string))
  (goto-char (- (point-max) 9))
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_prompt items &rest _)
               (seq-find (lambda (title) (string-match-p "import os" title)) (mapcar #'car items))))
            (last-nonmenu-event ?x))
    (check "code action is offered" ; the list holds what is ready when it is asked for
           (wait-for (lambda () (ignore-errors (eglot-code-actions (point) (+ 2 (point)) nil t) t)))))
  (check "code action is applied" (wait-for (lambda () (string-match-p "^import os$" (buffer-string)))) (buffer-string))

  ;; a suggestion, asked for by hand
  (goto-char (point-min))
  (search-forward "return ")
  (zi-suggest)
  (check "suggestion" (wait-for (lambda () zi--ghost)))
  (zi-accept)
  (check "accepted" (string-match-p "^    return width \\* height$" (buffer-string)) (buffer-string))
  (check "nothing is shown any more" (not zi--ghost))

  ;; a question and a /command
  (let (seen)
    (advice-add 'zi--show :before (lambda (_token text) (push text seen)))
    (zi "why is that?")
    (check "the answer" (wait-for (lambda () zi--conversation)) (answer))
    (check "is shown" (equal (answer) "Because of the area.") (answer))
    (check "and has streamed" (seq-find (lambda (text) (and (> (length text) 1) (< (length text) 20))) seen) seen))
  (zi "/help")
  (check "a /command" (wait-for (lambda () (string-match-p "/fix" (answer)))) (answer))
  (zi "/fix return the sum")
  (check "an edit of a /command"
         (wait-for (lambda () (string-match-p "^    return width \\+ height$" (buffer-string))))
         (list (answer) (buffer-string)))
  (zi "/fxi")
  (check "what is wrong is said" (wait-for (lambda () (string-match-p "no command" (answer)))) (answer))

  (let ((process (jsonrpc--process (eglot-current-server))))
    (set-buffer-modified-p nil)
    (eglot-shutdown (eglot-current-server) nil 60)
    (check "clean shutdown" (not (process-live-p process)))))

(condition-case problem
    (session)
  (error (check "session" nil problem)))
(kill-emacs (if (= failures 0) 0 1))
