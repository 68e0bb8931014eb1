/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-application.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/ferry-demo-auto.h"
#include "app/ferry-demo-picture.h"
#include "app/ferry-demo-session.h"
#include "app/ferry-demo-watch.h"
#include "app/ferry-demo-window.h"

#define EXIT_USAGE 2
#define GO_ON (-1) /* what handle-local-options returns to go on */

struct _FerryDemoApplication
{
  GtkApplication parent_instance;

  gboolean show_version;
  gboolean run_jobs;
  int n_workers;     /* 0: not given */
  char *cluster_url; /* NULL where there are no other hosts */
  char *page;        /* NULL for the usual one */
  char *size;        /* likewise */
  char *picture_path;
  char *pictures_folder; /* NULL for the usual one */
  char **arguments;

  GPtrArray *specs; /* (element-type FerryDemoSpec) */
  FerryDemoSession *session;
  FerryDemoWatch *watch;
  FerryDemoAuto *automaton;  /* NULL where a user runs the demo */
  FerryDemoPicture *picture; /* NULL when none is wanted */
  int exit_status;
};

G_DEFINE_FINAL_TYPE (FerryDemoApplication, ferry_demo_application, GTK_TYPE_APPLICATION)

static const char *const pages[] = {"start", "pipes", "tasks", "robust", "pictures", "fractal", "object", NULL};

static gboolean
check_page (const char *page, GError **error)
{
  g_autofree char *names = g_strjoinv (", ", (char **) pages);

  if (page == NULL || g_strv_contains (pages, page))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "There is no page '%s': choose among %s", page, names);
  return FALSE;
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
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "'%s' is no size; give one as in 800x600", size);
  return FALSE;
}

static gboolean
check_arguments (FerryDemoApplication *self, GError **error)
{
  for (guint i = 0; self->arguments != NULL && self->arguments[i] != NULL; i++)
    {
      g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (self->arguments[i], error);

      if (spec == NULL)
        return FALSE;
      if (ferry_demo_spec_is_endless (spec))
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               "An endless flood never comes to a result; give a number, as in flood:1000000");
          return FALSE;
        }
      g_ptr_array_add (self->specs, g_steal_pointer (&spec));
    }

  if (self->n_workers < 0 || self->n_workers > FERRY_DEMO_MAX_WORKERS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "There can be 1 to %d workers",
                   FERRY_DEMO_MAX_WORKERS);
      return FALSE;
    }
  if (!check_page (self->page, error) || !read_size (self->size, NULL, NULL, error))
    return FALSE;
  if (self->run_jobs ? self->specs->len > 0 || self->pictures_folder != NULL : self->specs->len == 0)
    return TRUE;
  g_set_error_literal (
    error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
    self->run_jobs ? "--auto needs at least one job, or --pictures" : "Jobs can only be given together with --auto");
  return FALSE;
}

static int
ferry_demo_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  g_autoptr (GError) error = NULL;

  if (self->show_version)
    {
      g_print ("ferry-demo %s\n", FERRY_DEMO_VERSION);
      return EXIT_SUCCESS;
    }
  if (!check_arguments (self, &error))
    {
      g_printerr ("ferry-demo: %s. See ferry-demo --help.\n", error->message);
      return EXIT_USAGE;
    }
  if (!gtk_init_check ())
    {
      g_printerr ("ferry-demo: There is no display to open the window on. Set DISPLAY or WAYLAND_DISPLAY, or run it "
                  "under xvfb-run.\n");
      return EXIT_FAILURE;
    }

  /* A run with a result of its own must not end up in a window that is open already. */
  if (self->run_jobs || self->picture_path != NULL)
    g_application_set_flags (application, g_application_get_flags (application) | G_APPLICATION_NON_UNIQUE);
  return GO_ON;
}

static char *
find_worker (void)
{
  const char *named = g_getenv ("FERRY_DEMO_WORKER");
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : g_strdup (".");
  g_autofree char *beside = g_build_filename (folder, "ferry-demo-worker", NULL);

  if (named != NULL && *named != '\0')
    return g_strdup (named);
  if (g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&beside);
  return g_build_filename (FERRY_DEMO_LIBEXECDIR, "ferry-demo-worker", NULL);
}

static void
about_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GtkApplication *application = user_data;

  gtk_show_about_dialog (gtk_application_get_active_window (application), "program-name", "Ferry Demo", "version",
                         FERRY_DEMO_VERSION, "comments", "Background worker processes whose messages move real bars",
                         "copyright", "The Ferry authors", "license-type", GTK_LICENSE_LGPL_2_1, "logo-icon-name",
                         FERRY_DEMO_ID, NULL);
}

static void
quit_cb (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_application_quit (G_APPLICATION (user_data));
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
    {"page.show::fractal", {"<Alt>6"}},
    {"page.show::object", {"<Alt>7"}},
    {"pictures.open", {"<Control><Shift>o"}},
    {"win.show-help-overlay", {"<Control>question"}},
    {"window.close", {"<Control>w"}},
    {"app.quit", {"<Control>q"}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (application, shortcuts[i].action, shortcuts[i].keys);
}

static void
add_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/org/ferryproject/Demo/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static void
ferry_demo_application_startup (GApplication *application)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  static const GActionEntry actions[] = {
    {.name = "about", .activate = about_cb},
    {.name = "quit", .activate = quit_cb},
  };
  g_autofree char *worker_path = find_worker ();
  guint usual = CLAMP (ferry_get_n_usable_cores (), 2, FERRY_DEMO_MAX_WORKERS);

  G_APPLICATION_CLASS (ferry_demo_application_parent_class)->startup (application);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  add_shortcuts (GTK_APPLICATION (application));
  add_style ();
  gtk_window_set_default_icon_name (FERRY_DEMO_ID);

  self->session = ferry_demo_session_new (worker_path, self->n_workers > 0 ? (guint) self->n_workers : usual);
}

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
      : window != NULL && ferry_demo_page_is_settled (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), NULL));
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
start_jobs (FerryDemoApplication *self)
{
  /* Until all jobs are over a closed window is a failure. */
  self->exit_status = EXIT_FAILURE;
  self->automaton = ferry_demo_auto_new (self->session);
  g_signal_connect_object (self->automaton, "finished", G_CALLBACK (finished_cb), self, G_CONNECT_SWAPPED);
  ferry_demo_auto_start (self->automaton, self->specs, self->pictures_folder != NULL);
}

/* Their page has them decoded as soon as it is seen. */
static void
open_pictures (FerryDemoApplication *self, GtkWidget *window)
{
  ferry_demo_thumbnails_open (ferry_demo_session_get_thumbnails (self->session), self->pictures_folder);
  gtk_widget_activate_action (window, "page.show", "s", "pictures");
}

static void
ferry_demo_application_activate (GApplication *application)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (application);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));
  g_autoptr (GError) error = NULL;
  int width, height;

  if (window != NULL)
    {
      gtk_window_present (window);
      return;
    }
  if ((self->cluster_url != NULL && !ferry_demo_session_add_cluster (self->session, self->cluster_url, &error)) ||
      !ferry_demo_session_start (self->session, &error))
    {
      g_printerr ("ferry-demo: %s.\n", error->message);
      self->exit_status = EXIT_FAILURE;
      return;
    }

  self->watch = ferry_demo_watch_new (GTK_APPLICATION (application), ferry_demo_session_get_executor (self->session),
                                      FERRY_DEMO_LONG_WORK);
  window = GTK_WINDOW (ferry_demo_window_new (GTK_APPLICATION (application), self->session));
  if (self->page != NULL || self->run_jobs || self->cluster_url != NULL)
    ferry_demo_window_show_page (FERRY_DEMO_WINDOW (window), self->page != NULL ? self->page : "tasks");
  gtk_window_get_default_size (window, &width, &height);
  read_size (self->size, &width, &height, NULL);
  gtk_window_set_default_size (window, width, height);
  gtk_window_present (window);
  if (self->pictures_folder != NULL)
    open_pictures (self, GTK_WIDGET (window));
  if (self->picture_path != NULL)
    {
      self->picture = ferry_demo_picture_new (self->picture_path);
      g_signal_connect_object (gtk_widget_get_frame_clock (GTK_WIDGET (window)), "after-paint",
                               G_CALLBACK (after_paint_cb), self, G_CONNECT_SWAPPED);
    }
  if (self->run_jobs)
    start_jobs (self);
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
  g_clear_object (&self->watch);
  if (self->session != NULL)
    ferry_demo_session_stop (self->session);
  G_APPLICATION_CLASS (ferry_demo_application_parent_class)->shutdown (application);
}

static void
ferry_demo_application_finalize (GObject *object)
{
  FerryDemoApplication *self = FERRY_DEMO_APPLICATION (object);

  g_clear_pointer (&self->picture, ferry_demo_picture_free);
  g_clear_object (&self->automaton);
  g_clear_object (&self->watch);
  g_clear_object (&self->session);
  g_ptr_array_unref (self->specs);
  g_free (self->cluster_url);
  g_free (self->page);
  g_free (self->size);
  g_free (self->picture_path);
  g_free (self->pictures_folder);
  g_strfreev (self->arguments);
  G_OBJECT_CLASS (ferry_demo_application_parent_class)->finalize (object);
}

static void
ferry_demo_application_class_init (FerryDemoApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ferry_demo_application_finalize;
  application_class->handle_local_options = ferry_demo_application_handle_local_options;
  application_class->startup = ferry_demo_application_startup;
  application_class->activate = ferry_demo_application_activate;
  application_class->shutdown = ferry_demo_application_shutdown;
}

static void
ferry_demo_application_init (FerryDemoApplication *self)
{
  const GOptionEntry entries[] = {
    {"auto", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &self->run_jobs, "Run the jobs, print their results, and quit",
     NULL},
    {"screenshot", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &self->picture_path,
     "Save a picture of the window as PNG, and quit", "FILE"},
    {"page", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &self->page, "Open at this page", "PAGE"},
    {"size", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &self->size, "Open a window of this size", "WIDTHxHEIGHT"},
    {"pictures", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &self->pictures_folder,
     "Show the pictures of a folder; with --auto, say how many there are", "FOLDER"},
    {"cluster", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &self->cluster_url,
     "Run what finds no worker here on the hosts of this NATS server", "URL"},
    {"workers", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &self->n_workers, "How many workers there may be at a time",
     "NUMBER"},
    {"version", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &self->show_version, "Show the version, and quit", NULL},
    {G_OPTION_REMAINING, 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME_ARRAY, &self->arguments, NULL, "[JOB…]"},
    {NULL},
  };

  self->specs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_demo_spec_free);
  g_application_add_main_option_entries (G_APPLICATION (self), entries);
  g_application_set_option_context_summary (G_APPLICATION (self),
                                            "Has tasks done in worker processes and shows how they get on.");
  g_application_set_option_context_description (
    G_APPLICATION (self),
    "Jobs:\n"
    "  sha256[:FOLDER]  SHA-256 of every file in a folder (/usr/share/doc)\n"
    "  primes[:NUMBER]  count the primes up to a number (3000000)\n"
    "  crash            a worker that crashes half-way\n"
    "  hang             a worker that hangs half-way\n"
    "  flood[:NUMBER]   as many messages a second as go through (2000000 messages)\n"
    "\n"
    "The picture shows the window as it opens, with --auto the jobs in mid-work, or all pictures, and with\n"
    "--page fractal the whole set.\n"
    "Jobs wait while all workers are busy; by default there may be one for each processor, and two at least.\n"
    "With --auto, the status is 0 when every job did what was expected of it, 1 when one did\n"
    "not, and 2 when the command line is wrong.\n");
}

FerryDemoApplication *
ferry_demo_application_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_APPLICATION, "application-id", FERRY_DEMO_ID, "resource-base-path",
                       "/org/ferryproject/Demo", NULL);
}

/* Of a run that g_application_run() itself found nothing wrong with. */
int
ferry_demo_application_get_exit_status (FerryDemoApplication *self)
{
  return self->exit_status;
}
