/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options are checked where they were typed, and then handed to the application that runs already, where there is one:
 * its window does what they ask for. */

#include "app/ferry-demo-application.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/ferry-demo-auto.h"
#include "app/ferry-demo-page.h"
#include "app/ferry-demo-picture.h"
#include "app/ferry-demo-place.h"
#include "app/ferry-demo-preferences.h"
#include "app/ferry-demo-session.h"
#include "app/ferry-demo-window.h"

#define EXIT_USAGE 2
/* Some seconds of work, which moves a bar for long enough to be seen. */
#define SAMPLE "5000000000"
#define GO_ON (-1) /* what handle-local-options returns to go on */

struct _FerryDemoApplication
{
  AdwApplication parent_instance;

  gboolean are_options_read;
  FerryDemoSession *session;
  FerryDemoAuto *automaton;  /* NULL where a user is there to be asked */
  FerryDemoPicture *picture; /* NULL when none is wanted */
  int exit_status;
};

G_DEFINE_FINAL_TYPE (FerryDemoApplication, ferry_demo_application, ADW_TYPE_APPLICATION)

static const GOptionEntry entries[] = {
  {"auto", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Run the jobs, print their results, and quit"), NULL},
  {"screenshot", 0, 0, G_OPTION_ARG_FILENAME, NULL, N_ ("Save a picture of the window as PNG, and quit"), N_ ("FILE")},
  {"page", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Show this page: start, pipes, tasks, robust, pictures or object"),
   N_ ("PAGE")},
  {"size", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Make the window as large as this, as in 800x600"), N_ ("SIZE")},
  {"pictures", 0, 0, G_OPTION_ARG_FILENAME, NULL,
   N_ ("Show the pictures of a folder; with --auto, say how many there are"), N_ ("FOLDER")},
  {"cluster", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Run what finds no worker here on the hosts of this NATS server"),
   N_ ("URL")},
  {"workers", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("How many workers there may be at a time"), N_ ("NUMBER")},
  {"version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Show the version, and quit"), NULL},
  {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, NULL, NULL, N_ ("[JOB…]")},
  {NULL},
};

/* ---- options ---- */

static const char *
get_text (GVariantDict *options, const char *name)
{
  const char *text = NULL;

  if (!g_variant_dict_lookup (options, name, "&s", &text))
    g_variant_dict_lookup (options, name, "^&ay", &text);
  return text;
}

static gboolean
read_size (const char *size, int *width, int *height, GError **error)
{
  int numbers[2] = {0, 0};
  char rest;

  if (size == NULL || sscanf (size, "%5dx%5d%c", &numbers[0], &numbers[1], &rest) == 2)
    {
      if (size != NULL && width != NULL)
        *width = MAX (numbers[0], 1), *height = MAX (numbers[1], 1);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("'%s' is no size; give one as in 800x600"), size);
  return FALSE;
}

static gboolean
check_page (const char *page, GError **error)
{
  static const char *const pages[] = {"start", "pipes", "tasks", "robust", "pictures", "object", NULL};
  g_autofree char *names = g_strjoinv (", ", (char **) pages);

  if (page == NULL || g_strv_contains (pages, page))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("There is no page '%s': choose among %s"), page,
               names);
  return FALSE;
}

/* Leaves the number alone where there is none. */
static gboolean
read_workers (GVariantDict *options, guint *n_workers, GError **error)
{
  const char *text = get_text (options, "workers");
  guint64 number;

  if (text == NULL)
    return TRUE;
  if (g_ascii_string_to_unsigned (text, 10, 1, FERRY_DEMO_MAX_WORKERS, &number, NULL))
    {
      *n_workers = (guint) number;
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("There can be 1 to %d workers"),
               FERRY_DEMO_MAX_WORKERS);
  return FALSE;
}

/* (element-type FerryDemoSpec): NULL where one of the jobs makes no sense. */
static GPtrArray *
read_jobs (GVariantDict *options, GError **error)
{
  g_autoptr (GPtrArray) specs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_demo_spec_free);
  g_autofree const char **jobs = NULL;

  g_variant_dict_lookup (options, G_OPTION_REMAINING, "^a&ay", &jobs);
  for (guint i = 0; jobs != NULL && jobs[i] != NULL; i++)
    {
      FerryDemoSpec *spec = ferry_demo_spec_parse (jobs[i], error);

      if (spec == NULL)
        return NULL;
      g_ptr_array_add (specs, spec);
      if (!ferry_demo_spec_is_endless (spec) || !g_variant_dict_contains (options, "auto"))
        continue;
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           _ ("An endless flood never comes to a result; give a number, as in flood:1000000"));
      return NULL;
    }
  return g_steal_pointer (&specs);
}

static gboolean
check_options (GVariantDict *options, GError **error)
{
  g_autoptr (GPtrArray) specs = read_jobs (options, error);
  guint n_workers;

  if (specs == NULL || !check_page (get_text (options, "page"), error) ||
      !read_size (get_text (options, "size"), NULL, NULL, error) || !read_workers (options, &n_workers, error))
    return FALSE;
  if (!g_variant_dict_contains (options, "auto") || specs->len > 0 || g_variant_dict_contains (options, "pictures"))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       _ ("--auto needs at least one job, or --pictures"));
  return FALSE;
}

static int
ferry_demo_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  g_autoptr (GError) error = NULL;

  self->are_options_read = TRUE;
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("ferry-demo %s\n", FERRY_DEMO_VERSION);
      return EXIT_SUCCESS;
    }
  if (!check_options (options, &error))
    {
      g_printerr (_ ("ferry-demo: %s. See ferry-demo --help.\n"), error->message);
      return EXIT_USAGE;
    }
  if (!gtk_init_check ())
    {
      g_printerr (_ ("ferry-demo: There is no display to open the window on. Set DISPLAY or WAYLAND_DISPLAY, or run it "
                     "under xvfb-run.\n"));
      return EXIT_FAILURE;
    }
  /* A run with a result of its own must not end up in a window that is open already. */
  if (g_variant_dict_contains (options, "auto") || g_variant_dict_contains (options, "screenshot"))
    g_application_set_flags (application, g_application_get_flags (application) | G_APPLICATION_NON_UNIQUE);
  return GO_ON;
}

/* GLib's own status for an option that there is not is that of a failure. */
static gboolean
ferry_demo_application_local_command_line (GApplication *application, char ***arguments, int *exit_status)
{
  gboolean done =
    G_APPLICATION_CLASS (ferry_demo_application_parent_class)->local_command_line (application, arguments, exit_status);

  if (done && *exit_status != 0 && !FERRY_DEMO_APPLICATION (application)->are_options_read)
    *exit_status = EXIT_USAGE;
  return done;
}

/* ---- actions ---- */

static void
about_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  static const char *const made_with[] = {"GTK https://www.gtk.org", "GLib https://docs.gtk.org/glib", NULL};
  GtkWidget *dialog =
    g_object_new (GTK_TYPE_ABOUT_DIALOG, "transient-for", gtk_application_get_active_window (user_data), "modal", TRUE,
                  "program-name", _ ("Ferry Demo"), "version", FERRY_DEMO_VERSION, "comments",
                  _ ("Background worker processes whose messages move real bars"), "copyright", _ ("The Ferry authors"),
                  "license-type", GTK_LICENSE_LGPL_2_1, "logo-icon-name", FERRY_DEMO_ID, "translator-credits",
                  _ ("translator-credits"), "website", *FERRY_DEMO_HOMEPAGE != '\0' ? FERRY_DEMO_HOMEPAGE : NULL, NULL);

  gtk_about_dialog_add_credit_section (GTK_ABOUT_DIALOG (dialog), _ ("Made with"), (const char **) made_with);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
preferences_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryExecutor *executor = ferry_demo_session_get_executor (FERRY_DEMO_APPLICATION (user_data)->session);

  gtk_window_present (ferry_demo_preferences_window_new (gtk_application_get_active_window (user_data),
                                                         ferry_executor_get_pool (executor)));
}

/* As to close the window, which may ask. */
static void
quit_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkWindow *window = gtk_application_get_active_window (user_data);

  if (FERRY_DEMO_APPLICATION (user_data)->automaton == NULL && window != NULL)
    gtk_window_close (window);
  else
    g_application_quit (user_data);
}

static void
add_shortcuts (GtkApplication *application)
{
  static const struct
  {
    const char *action;
    const char *keys[3];
  } shortcuts[] = {
    {"job.add", {"<Control>n"}},
    {"job.add-sha256", {"<Control>o"}},
    {"job.add-primes", {"<Control><Shift>p"}},
    {"job.add-many", {"<Control><Shift>n"}},
    {"job.cancel-all", {"<Control><Shift>c"}},
    {"job.clear", {"<Control>l"}},
    {"job.run-next-current", {"<Control>Up"}},
    {"job.cancel-current", {"<Control>BackSpace"}},
    {"job.retry-current", {"<Control>r"}},
    {"page.show::start", {"<Alt>1"}},
    {"page.show::pipes", {"<Alt>2"}},
    {"page.show::tasks", {"<Alt>3"}},
    {"page.show::robust", {"<Alt>4"}},
    {"page.show::pictures", {"<Alt>5"}},
    {"page.show::object", {"<Alt>6"}},
    {"pictures.open", {"<Control><Shift>o"}},
    {"app.preferences", {"<Control>comma"}},
    {"win.show-help-overlay", {"<Control>question"}},
    {"window.close", {"<Control>w"}},
    {"app.quit", {"<Control>q"}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (application, shortcuts[i].action, shortcuts[i].keys);
}

static void
ferry_demo_application_startup (GApplication *application)
{
  static const GActionEntry actions[] = {
    {.name = "about", .activate = about_cb},
    {.name = "preferences", .activate = preferences_cb},
    {.name = "quit", .activate = quit_cb},
  };

  G_APPLICATION_CLASS (ferry_demo_application_parent_class)->startup (application);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  add_shortcuts (GTK_APPLICATION (application));
  gtk_window_set_default_icon_name (FERRY_DEMO_ID);
}

/* ---- runs with a result of their own ---- */

static void
save_and_quit (FerryDemoApplication *self)
{
  g_autoptr (GError) error = NULL;

  self->exit_status =
    self->automaton == NULL || ferry_demo_auto_is_success (self->automaton) ? EXIT_SUCCESS : EXIT_FAILURE;
  if (self->picture != NULL && !ferry_demo_picture_save (self->picture, &error))
    {
      g_printerr ("ferry-demo: %s.\n", error->message);
      self->exit_status = EXIT_FAILURE;
    }
  g_application_quit (G_APPLICATION (self));
}

static void
after_paint_cb (FerryDemoApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));
  gboolean last =
    self->automaton != NULL
      ? ferry_demo_auto_is_finished (self->automaton)
      : window != NULL &&
          ferry_demo_page_is_settled (FERRY_DEMO_PAGE (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), NULL)));
  guint score = self->automaton == NULL ? 0 : ferry_demo_auto_get_score (self->automaton);

  if (self->picture == NULL || window == NULL || (score == 0 && !last))
    return;
  ferry_demo_picture_take (self->picture, GTK_WIDGET (window), score);
  if (last && ferry_demo_picture_is_taken (self->picture))
    save_and_quit (self);
}

static void
finished_cb (FerryDemoApplication *self)
{
  if (self->picture == NULL || ferry_demo_picture_is_taken (self->picture))
    save_and_quit (self);
  else
    gtk_widget_queue_draw (GTK_WIDGET (gtk_application_get_active_window (GTK_APPLICATION (self))));
}

static void
start_jobs (FerryDemoApplication *self, GVariantDict *options)
{
  g_autoptr (GPtrArray) specs = read_jobs (options, NULL);

  /* Until all jobs are over a closed window is a failure. */
  self->exit_status = EXIT_FAILURE;
  self->automaton = ferry_demo_auto_new (self->session);
  g_signal_connect_object (self->automaton, "finished", G_CALLBACK (finished_cb), self, G_CONNECT_SWAPPED);
  ferry_demo_auto_start (self->automaton, specs, g_variant_dict_contains (options, "pictures"));
}

static void
want_picture (FerryDemoApplication *self, GtkWindow *window, const char *path)
{
  self->picture = ferry_demo_picture_new (path);
  g_signal_connect_object (gtk_widget_get_frame_clock (GTK_WIDGET (window)), "after-paint", G_CALLBACK (after_paint_cb),
                           self, G_CONNECT_SWAPPED);
}

/* ---- the window ---- */

static char *
find_worker (void)
{
  const char *named = g_getenv ("FERRY_DEMO_WORKER");

  if (named != NULL && *named != '\0')
    return g_strdup (named);
  return ferry_demo_find ("ferry-demo-worker", FERRY_DEMO_LIBEXECDIR "/ferry-demo-worker");
}

static gboolean
start_session (FerryDemoApplication *self, GVariantDict *options, GError **error)
{
  g_autofree char *worker_path = find_worker ();
  guint n_workers = CLAMP (ferry_get_n_usable_cores (), 2, FERRY_DEMO_MAX_WORKERS);
  const char *url = get_text (options, "cluster");
  FerryDemoPreferences preferences;

  ferry_demo_preferences_load (&preferences);
  if (g_variant_dict_contains (options, "auto"))
    preferences = (FerryDemoPreferences){.sandbox = FERRY_SANDBOX_POLICY_PREFERRED};
  if (preferences.n_workers > 0)
    n_workers = preferences.n_workers;
  read_workers (options, &n_workers, NULL);
  self->session = ferry_demo_session_new (worker_path, n_workers);
  ferry_demo_session_set_preferences (self->session, preferences.sandbox, preferences.throughput);
  return (url == NULL || ferry_demo_session_add_cluster (self->session, url, error)) &&
         ferry_demo_session_start (self->session, error);
}

/* Folders are those of where the command was typed, which may be another place than this process is at. */
static void
add_jobs (FerryDemoApplication *self, GVariantDict *options, const char *here)
{
  g_autoptr (GPtrArray) specs = read_jobs (options, NULL);

  for (guint i = 0; specs != NULL && i < specs->len; i++)
    {
      FerryDemoSpec *spec = specs->pdata[i];

      if (spec->kind == FERRY_DEMO_KIND_SHA256)
        {
          g_autofree char *folder = spec->argument;

          spec->argument = g_canonicalize_filename (folder, here);
        }
      ferry_demo_session_add (self->session, spec);
    }
}

/* Also what a second start asks for. */
static void
apply (FerryDemoApplication *self, GtkWindow *window, GVariantDict *options, const char *here)
{
  gboolean is_auto = g_variant_dict_contains (options, "auto");
  const char *page = get_text (options, "page"), *pictures = get_text (options, "pictures");
  g_autofree char *folder = pictures != NULL ? g_canonicalize_filename (pictures, here) : NULL;
  FerryExecutor *executor = ferry_demo_session_get_executor (self->session);
  int width, height;
  guint n_workers = 0;

  if (page == NULL && (is_auto || g_variant_dict_contains (options, "cluster") ||
                       g_variant_dict_contains (options, G_OPTION_REMAINING)))
    page = "tasks";
  if (page != NULL)
    ferry_demo_window_show_page (FERRY_DEMO_WINDOW (window), page);
  read_workers (options, &n_workers, NULL);
  if (n_workers > 0)
    ferry_pool_set_max_workers (ferry_executor_get_pool (executor), n_workers);
  gtk_window_get_default_size (window, &width, &height);
  read_size (get_text (options, "size"), &width, &height, NULL);
  gtk_window_set_default_size (window, width, height);
  gtk_window_present (window);
  if (!is_auto)
    add_jobs (self, options, here);
  if (folder == NULL)
    return;
  /* Their page has them decoded as soon as it is seen. */
  ferry_demo_thumbnails_open (ferry_demo_session_get_thumbnails (self->session), folder);
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (window), "pictures");
}

/* The page of tasks has something that moves when it is first seen. */
static void
page_changed_cb (FerryDemoApplication *self, GParamSpec *pspec, FerryDemoWindow *window)
{
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_new (FERRY_DEMO_KIND_PRIMES, SAMPLE, NULL);

  if (ferry_demo_window_get_page (window, NULL) != ferry_demo_window_get_page (window, "tasks"))
    return;
  g_signal_handlers_disconnect_by_func (window, page_changed_cb, self);
  if (g_list_model_get_n_items (G_LIST_MODEL (ferry_demo_session_get_executor (self->session))) == 0)
    ferry_demo_session_add (self->session, spec);
}

static int
ferry_demo_application_command_line (GApplication *application, GApplicationCommandLine *command_line)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  GVariantDict *options = g_application_command_line_get_options_dict (command_line);
  const char *here = g_application_command_line_get_cwd (command_line);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));
  const char *picture_path = get_text (options, "screenshot");
  g_autoptr (GError) error = NULL;

  if (window != NULL)
    {
      apply (self, window, options, here);
      return EXIT_SUCCESS;
    }
  if (!start_session (self, options, &error))
    {
      g_printerr ("ferry-demo: %s.\n", error->message);
      return EXIT_FAILURE;
    }
  window = GTK_WINDOW (ferry_demo_window_new (GTK_APPLICATION (application), self->session));
  apply (self, window, options, here);
  if (picture_path != NULL)
    want_picture (self, window, picture_path);
  else if (!g_variant_dict_contains (options, "auto"))
    {
      g_signal_connect_object (window, "notify::page", G_CALLBACK (page_changed_cb), self, G_CONNECT_SWAPPED);
      page_changed_cb (self, NULL, FERRY_DEMO_WINDOW (window));
    }
  if (g_variant_dict_contains (options, "auto"))
    start_jobs (self, options);
  else
    ferry_task_guard_new (ferry_demo_session_get_executor (self->session), window);
  return EXIT_SUCCESS;
}

static void
ferry_demo_application_shutdown (GApplication *application)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);

  /* The windows go at once: workers may take time to end, and a window would not react meanwhile. */
  for (GList *item = gtk_application_get_windows (GTK_APPLICATION (application)); item != NULL; item = item->next)
    gtk_widget_set_visible (item->data, FALSE);

  /* The tasks that end now have no result to print, and what is painted is no screenshot. */
  g_clear_pointer (&self->picture, ferry_demo_picture_free);
  g_clear_object (&self->automaton);
  if (self->session != NULL)
    ferry_demo_session_stop (self->session);
  G_APPLICATION_CLASS (ferry_demo_application_parent_class)->shutdown (application);
}

static void
ferry_demo_application_finalize (GObject *object)
{
  g_clear_object (&FERRY_DEMO_APPLICATION (object)->session);
  G_OBJECT_CLASS (ferry_demo_application_parent_class)->finalize (object);
}

static void
ferry_demo_application_class_init (FerryDemoApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ferry_demo_application_finalize;
  application_class->local_command_line = ferry_demo_application_local_command_line;
  application_class->handle_local_options = ferry_demo_application_handle_local_options;
  application_class->startup = ferry_demo_application_startup;
  application_class->command_line = ferry_demo_application_command_line;
  application_class->shutdown = ferry_demo_application_shutdown;
}

static void
ferry_demo_application_init (FerryDemoApplication *self)
{
  GApplication *application = G_APPLICATION (self);

  g_application_add_main_option_entries (application, entries);
  g_application_set_option_context_summary (application,
                                            _ ("Has tasks done in worker processes and shows how they get on."));
  g_application_set_option_context_description (
    application, _ ("Jobs:\n"
                    "  sha256[:FOLDER]  SHA-256 of every file in a folder (/usr/share/doc)\n"
                    "  primes[:NUMBER]  count the primes up to a number (3000000)\n"
                    "  crash            a worker that crashes half-way\n"
                    "  hang             a worker that hangs half-way\n"
                    "  flood[:NUMBER]   as many messages a second as go through (2000000 messages)\n"
                    "\n"
                    "The picture shows the window as it opens, and with --auto the jobs in mid-work, or all "
                    "pictures.\n"
                    "Jobs wait while all workers are busy; by default there may be one for each processor, and two at "
                    "least.\n"
                    "With --auto, the status is 0 when every job did what was expected of it, 1 when one did\n"
                    "not, and 2 when the command line is wrong.\n"));
}

FerryDemoApplication *
ferry_demo_application_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_APPLICATION, "application-id", FERRY_DEMO_ID, "resource-base-path",
                       "/org/ferryproject/Demo", "flags", G_APPLICATION_HANDLES_COMMAND_LINE, NULL);
}

/* Of a run that g_application_run() itself found nothing wrong with. */
int
ferry_demo_application_get_exit_status (FerryDemoApplication *self)
{
  return self->exit_status;
}
