/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo as an application: its options, and its actions.
 *
 * Options are checked where they were typed, and then handed to the application that runs already, where there is one:
 * its window does what they ask for. */

#include "app/ferry-demo-application.h"

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/ferry-demo-place.h"
#include "app/ferry-demo-preferences.h"
#include "app/ferry-demo-session.h"
#include "app/ferry-demo-window.h"
#include "pictures/ferry-demo-pictures-page.h"

#define EXIT_USAGE 2
#define GO_ON (-1) /* what handle-local-options returns to go on */

struct _FerryDemoApplication
{
  AdwApplication parent_instance;

  gboolean are_options_read;
  FerryDemoSession *session;
};

G_DEFINE_FINAL_TYPE (FerryDemoApplication, ferry_demo_application, ADW_TYPE_APPLICATION)

static const GOptionEntry entries[] = {
  {"page", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Show this page: start, tasks, commands, pictures, robust or object"),
   N_ ("PAGE")},
  {"size", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Make the window as large as this, as in 800x600"), N_ ("SIZE")},
  {"pictures", 0, 0, G_OPTION_ARG_FILENAME, NULL, N_ ("Show the pictures of a folder"), N_ ("FOLDER")},
  {"cluster", 0, 0, G_OPTION_ARG_NONE, NULL,
   N_ ("Run tasks on the hosts of the NATS server in FERRY_SERVER too, while all workers here are busy"), NULL},
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
  if (page == NULL || ferry_demo_window_has_page (page))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _ ("There is no page '%s'"), page);
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

/* With a session, submits them. */
static gboolean
read_jobs (GVariantDict *options, FerryDemoSession *session, GError **error)
{
  g_autofree const char **jobs = NULL;

  g_variant_dict_lookup (options, G_OPTION_REMAINING, "^a&ay", &jobs);
  for (guint i = 0; jobs != NULL && jobs[i] != NULL; i++)
    {
      FerryDemoJob job;

      if (!ferry_demo_job_parse (jobs[i], &job, error))
        return FALSE;
      if (session != NULL)
        ferry_demo_session_add (session, job);
    }
  return TRUE;
}

static int
ferry_demo_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  g_autoptr (GError) error = NULL;
  guint n_workers;

  FERRY_DEMO_APPLICATION (application)->are_options_read = TRUE;
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("ferry-demo %s\n", FERRY_DEMO_VERSION);
      return EXIT_SUCCESS;
    }
  if (!read_jobs (options, NULL, &error) || !check_page (get_text (options, "page"), &error) ||
      !read_size (get_text (options, "size"), NULL, NULL, &error) || !read_workers (options, &n_workers, &error))
    {
      g_printerr (_ ("ferry-demo: %s. See ferry-demo --help.\n"), error->message);
      return EXIT_USAGE;
    }
  if (gtk_init_check ())
    return GO_ON;
  g_printerr (_ ("ferry-demo: There is no display to open the window on. Set DISPLAY or WAYLAND_DISPLAY, or run it "
                 "under xvfb-run.\n"));
  return EXIT_FAILURE;
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

/* The active window may be that of a page's source. */
static GtkWindow *
get_window (gpointer application)
{
  for (GList *item = gtk_application_get_windows (application); item != NULL; item = item->next)
    if (FERRY_DEMO_IS_WINDOW (item->data))
      return item->data;
  return NULL;
}

/* What a report of a fault has with it: it is copied, and so is in no language. */
static char *
describe_router (FerryRouter *router)
{
  g_autoptr (GEnumClass) counters = g_type_class_ref (FERRY_TYPE_COUNTER);
  GString *text = g_string_new ("Ferry " FERRY_DEMO_VERSION "\n");

  for (guint i = 0; i < counters->n_values; i++)
    g_string_append_printf (text, "%s: %" G_GUINT64_FORMAT "\n", counters->values[i].value_nick,
                            ferry_router_get_counter (router, counters->values[i].value));
  return g_string_free (text, FALSE);
}

static void
about_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/ferryproject/Demo/ferry-demo-about.ui");
  GtkWindow *window = GTK_WINDOW (gtk_builder_get_object (builder, "window"));
  FerryDemoSession *session = FERRY_DEMO_APPLICATION (user_data)->session;
  g_autofree char *details = describe_router (ferry_demo_session_get_router (session));

  g_object_set (window, "transient-for", get_window (user_data), "application-icon", FERRY_DEMO_ID, "version",
                FERRY_DEMO_VERSION, "website", FERRY_DEMO_HOMEPAGE, "debug-info", details, "debug-info-filename",
                "ferry-demo.txt", NULL);
  gtk_window_present (window);
}

static void
preferences_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryExecutor *executor = ferry_demo_session_get_executor (FERRY_DEMO_APPLICATION (user_data)->session);

  gtk_window_present (ferry_demo_preferences_window_new (get_window (user_data), ferry_executor_get_pool (executor)));
}

/* As to close the window, which may ask. */
static void
quit_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_close (get_window (user_data));
}

static void
add_shortcuts (GtkApplication *application)
{
  static const struct
  {
    const char *action;
    const char *keys[2];
  } shortcuts[] = {
    {"job.add", {"<Control>n"}},
    {"job.pause-all", {"<Control><Shift>p"}},
    {"job.cancel-all", {"<Control><Shift>BackSpace"}},
    {"command.enter", {"<Control><Shift>r"}},
    {"page.show::start", {"<Alt>1"}},
    {"page.show::tasks", {"<Alt>2"}},
    {"page.show::commands", {"<Alt>3"}},
    {"page.show::pictures", {"<Alt>4"}},
    {"page.show::robust", {"<Alt>5"}},
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

/* ---- the window ---- */

static char *
find_worker (void)
{
  const char *named = g_getenv ("FERRY_DEMO_WORKER");

  if (named != NULL && *named != '\0')
    return g_strdup (named);
  return ferry_demo_find ("ferry-demo-worker", FERRY_DEMO_LIBEXECDIR "/ferry-demo-worker");
}

/* The variable of ferry-host, and its default. What has a password has no place in a command line. */
static const char *
find_server (void)
{
  const char *named = g_getenv ("FERRY_SERVER");

  return named != NULL && *named != '\0' ? named : "nats://127.0.0.1:4222";
}

static gboolean
start_session (FerryDemoApplication *self, GVariantDict *options, GError **error)
{
  g_autofree char *worker_path = find_worker ();
  guint n_workers = CLAMP (ferry_get_n_usable_cores (), 2, FERRY_DEMO_MAX_WORKERS);
  gboolean is_cluster = g_variant_dict_contains (options, "cluster");
  FerryDemoPreferences preferences;

  ferry_demo_preferences_load (&preferences);
  if (preferences.n_workers > 0)
    n_workers = preferences.n_workers;
  read_workers (options, &n_workers, NULL);
  self->session = ferry_demo_session_new (worker_path, n_workers, preferences.sandbox);
  return (!is_cluster || ferry_demo_session_add_cluster (self->session, find_server (), error)) &&
         ferry_demo_session_start (self->session, error);
}

/* Also what a second start asks for. Folders are those of where the command was typed. */
static void
apply (FerryDemoApplication *self, GtkWindow *window, GVariantDict *options, const char *here)
{
  const char *page = get_text (options, "page"), *pictures = get_text (options, "pictures");
  g_autofree char *folder = pictures != NULL ? g_canonicalize_filename (pictures, here) : NULL;
  FerryExecutor *executor = ferry_demo_session_get_executor (self->session);
  int width, height;
  guint n_workers = 0;

  if (page == NULL &&
      (g_variant_dict_contains (options, "cluster") || g_variant_dict_contains (options, G_OPTION_REMAINING)))
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
  read_jobs (options, self->session, NULL);
  if (folder == NULL)
    return;
  /* Their page has them decoded as soon as it is seen. */
  ferry_demo_pictures_page_open (
    FERRY_DEMO_PICTURES_PAGE (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), "pictures")), folder);
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (window), "pictures");
}

static int
ferry_demo_application_command_line (GApplication *application, GApplicationCommandLine *command_line)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  GVariantDict *options = g_application_command_line_get_options_dict (command_line);
  const char *here = g_application_command_line_get_cwd (command_line);
  GtkWindow *window = get_window (application);
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
  ferry_task_guard_add (ferry_demo_session_get_tasks (self->session), window);
  return EXIT_SUCCESS;
}

static void
ferry_demo_application_shutdown (GApplication *application)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  GtkWindow *window;

  /* The windows go at once: workers may take time to end, and a window would not react meanwhile. */
  while ((window = get_window (application)) != NULL)
    gtk_window_destroy (window);
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
                    "  primes[:NUMBER]  count the primes up to a number (3000000)\n"
                    "  crash            a task that crashes half-way\n"
                    "  hang             a task that hangs half-way\n"
                    "  flood[:NUMBER]   as many messages a second as go through (2000000 messages; endless)\n"
                    "\n"
                    "Jobs wait while all workers are busy; by default there may be one for each processor, and two at "
                    "least.\n"));
}

FerryDemoApplication *
ferry_demo_application_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_APPLICATION, "application-id", FERRY_DEMO_ID, "resource-base-path",
                       "/org/ferryproject/Demo", "flags", G_APPLICATION_HANDLES_COMMAND_LINE, NULL);
}
