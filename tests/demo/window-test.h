/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of the window share: a window with a session of its own, and real workers. */

#pragma once

#include <ferry-gtk.h>

#include "demo-app/app/ferry-demo-window.h"
#include "demo-test.h"
#include "gtk/widget-test.h"

G_BEGIN_DECLS

#define WINDOW_TEST_WORKERS 3

/* What a task has of window_test_get_status(). */
#define WINDOW_TEST_MONITOR "window-test-monitor"

typedef struct
{
  FerryDemoSession *session;
  FerryExecutor *executor; /* (unowned) the session's */
  FerryQueue *queue;       /* (unowned) the session's, open */
  GtkWidget *window;
} WindowTest;

typedef void (*WindowTestFunc) (WindowTest *test, gconstpointer data);

/* To be called first in main(), and for each test, which is skipped where there is no display. */
void window_test_init (int *argc, char ***argv);
void window_test_add (const char *path, WindowTestFunc func);
/* At once, as a part of another test. */
void window_test_run (WindowTestFunc func);

/* For ferry_test_look_until(). */
gboolean window_test_is_open (gpointer queue);

/* Waits for a mapped label that has the words: see widget_test_find_words(). */
void window_test_wait_words (GtkWidget *widget, const char *words);

/* A part of a page, or of the page of tasks, by its name in the template. */
GtkWidget *window_test_get_child (WindowTest *test, const char *page, const char *name);
GtkWidget *window_test_get (WindowTest *test, const char *name);
/* Whether the page for no task is shown in place of the list. */
gboolean window_test_is_empty (WindowTest *test);

/* Submits the job of a word; the list keeps the task. */
FerryTask *window_test_add_task (WindowTest *test, const char *word);
guint window_test_get_n_tasks (WindowTest *test);
FerryTask *window_test_get_task (WindowTest *test, guint position);
/* The task's row, once it is drawn. */
GtkWidget *window_test_wait_row (WindowTest *test, FerryTask *task);
FerryTaskStatus window_test_get_status (FerryTask *task);
void window_test_wait_state (FerryTask *task, FerryTaskStatus state);
void window_test_wait_idle (WindowTest *test);

void window_test_show_page (WindowTest *test, const char *name);
/* An action of the list, such as "task.cancel", with the task. */
void window_test_act (WindowTest *test, FerryTask *task, const char *action);
/* What the key does where the list has the focus. */
void window_test_press_in_list (WindowTest *test, const char *key);
/* Waits until no row shows the task. */
void window_test_wait_no_row (WindowTest *test, FerryTask *task);
void window_test_activate (WindowTest *test, const char *action);

G_END_DECLS
