/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-list.c, gtk/ferry-task-row.c, gtk/ferry-task-banner.c, gtk/ferry-task-button.c,
 * gtk/ferry-worker-list.c, gtk/ferry-remote-picture.c
 *
 * All widgets in one window, and the popover of one, in each width and each look. FERRY_GALLERY names a folder for
 * their pictures, for people to look at. */

#include "config.h"

#include "gtk/look-test.h"
#include "gtk/widget-test.h"
#include "queue/queue-test.h"

#include "gtk/ferry-remote-picture.h"
#include "gtk/ferry-task-banner.h"
#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-row.h"
#include "gtk/ferry-worker-list.h"

#include <signal.h>

#define SIDE 96
#define HEIGHT 900
#define REASON "Waits for mains power"

typedef struct
{
  const char *name;
  const char *theme;
  gboolean dark;
  int text_percent;
  GtkTextDirection direction;
} Look;

static const Look looks[] = {
  {"light", "Default", FALSE, 100, GTK_TEXT_DIR_LTR},
  {"dark", "Default", TRUE, 100, GTK_TEXT_DIR_LTR},
  {"high-contrast", "Default-hc", FALSE, 100, GTK_TEXT_DIR_LTR},
  {"high-contrast-dark", "Default-hc", TRUE, 100, GTK_TEXT_DIR_LTR},
  {"large-text", "Default", FALSE, 200, GTK_TEXT_DIR_LTR},
  {"right-to-left", "Default", FALSE, 100, GTK_TEXT_DIR_RTL},
};

static const int widths[] = {360, 480, 1000};

typedef struct
{
  QueueTest *queue;
  TaskTest *test; /* the queue's */
  FerryTestPipe *pipe;
  GtkWidget *box;
  GtkPopover *popover;
  GtkWidget *window;
} Scene;

/* ---- what is shown ---- */

static FerryTask *
submit (Scene *scene, const char *name, const char *function, GVariant *arguments)
{
  FerryTask *task = task_test_submit (scene->test->executor, function, arguments);

  g_object_set (task, "name", name, NULL);
  return task;
}

/* One that has ended in each way, two that run, and one that waits. */
static void
add_tasks (Scene *scene)
{
  FerryExecutor *executor = scene->test->executor;
  g_autoptr (FerryTask) done = NULL;
  g_autoptr (FerryTask) failed = NULL;
  g_autoptr (FerryTask) lost = NULL;
  g_autoptr (FerryTask) reports = NULL;
  g_autoptr (FerryTask) runs = NULL;
  g_autoptr (FerryTask) waits = NULL;

  g_object_set (executor, "keep-finished", 100, NULL);
  done = submit (scene, "Thumbnails of the holidays", "nothing", NULL);
  task_test_wait_done (done);
  failed = submit (scene, "holidays.zip", "fail",
                   g_variant_new ("(sis)", "g-io-error-quark", G_IO_ERROR_NO_SPACE, "There is no space left"));
  task_test_wait_done (failed);
  lost = submit (scene, "Decode clip-0042.webm", "crash", g_variant_new_int32 (SIGKILL));
  task_test_wait_done (lost);
  reports = submit (scene, "Checksums of /usr/share/doc", "report-until-cancelled", NULL);
  runs = submit (scene, "A name that is far longer than a narrow window is wide, and goes on", "sleep-until-cancelled",
                 NULL);
  waits = submit (scene, "Backup", "nothing", NULL);
  task_test_wait_begun (reports);
  task_test_wait_begun (runs);
}

static GtkWidget *
add (Scene *scene, GtkWidget *widget, gboolean expand)
{
  gtk_widget_set_vexpand (widget, expand);
  gtk_box_append (GTK_BOX (scene->box), widget);
  return widget;
}

/* A paused queue, in which a task waits. */
static void
add_banner (Scene *scene)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("later"));
  g_autoptr (FerryTask) submitted = NULL;

  g_object_set (scene->queue->queue, "paused", TRUE, "reason", REASON, NULL);
  submitted = queue_test_submit_task (scene->queue, task, "later");
  add (scene, ferry_task_banner_new (G_LIST_MODEL (scene->queue->queue)), FALSE);
}

/* Of a task that has a bar. */
static void
add_compact_row (Scene *scene)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (scene->test->executor), 3);
  GtkWidget *row = ferry_task_row_new (task, scene->test->executor);

  ferry_task_row_set_compact (FERRY_TASK_ROW (row), TRUE);
  add (scene, row, FALSE);
}

/* The windows of other programs do not close its popover. */
static void
add_button (Scene *scene)
{
  GtkWidget *button = add (scene, ferry_task_button_new (G_LIST_MODEL (scene->test->executor)), FALSE);

  gtk_widget_set_halign (button, GTK_ALIGN_END);
  scene->popover = gtk_menu_button_get_popover (GTK_MENU_BUTTON (gtk_widget_get_first_child (button)));
  gtk_popover_set_autohide (scene->popover, FALSE);
}

static GBytes *
make_frame (void)
{
  guint8 *pixels = g_malloc (4 * SIDE * SIDE);

  for (guint y = 0; y < SIDE; y++)
    for (guint x = 0; x < SIDE; x++)
      {
        guint8 *pixel = pixels + 4 * (y * SIDE + x);

        pixel[0] = (guint8) (255 * x / SIDE);
        pixel[1] = (guint8) (255 * y / SIDE);
        pixel[2] = 128;
        pixel[3] = 255;
      }
  return g_bytes_new_take (pixels, 4 * SIDE * SIDE);
}

/* A picture takes the height that it is given: that of a box which scrolls what does not fit. */
static void
add_picture (Scene *scene)
{
  GtkWidget *frame = gtk_scrolled_window_new ();

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (frame), GTK_POLICY_NEVER, GTK_POLICY_EXTERNAL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (frame), ferry_remote_picture_new (scene->pipe->receiver));
  gtk_widget_set_size_request (add (scene, frame, FALSE), -1, SIDE);
}

/* GTK 4.18 warns of a box that is too low for what is in it. */
static GtkWidget *
show (GtkWidget *box)
{
  GtkWidget *window = gtk_window_new ();

  gtk_window_set_default_size (GTK_WINDOW (window), widths[0], HEIGHT);
  gtk_window_set_child (GTK_WINDOW (window), box);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

/* FALSE where there is no display. */
static gboolean
scene_init (Scene *scene)
{
  g_autoptr (GBytes) frame = NULL;
  g_autoptr (GVariant) description = NULL;

  if (!widget_test_has_display ())
    return FALSE;
  scene->queue = queue_test_new_for (task_test_new (/* in_threads: */ FALSE, 2));
  scene->test = scene->queue->test;
  scene->pipe = ferry_test_pipe_new (scene->test->router);
  add_tasks (scene);
  scene->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  add_button (scene);
  add_banner (scene);
  add_compact_row (scene);
  add (scene, ferry_task_list_new (G_LIST_MODEL (scene->test->executor)), TRUE);
  gtk_widget_set_size_request (add (scene, ferry_worker_list_new (scene->test->pool), FALSE), -1, 200);
  add_picture (scene);
  frame = make_frame ();
  description = g_variant_ref_sink (g_variant_new ("(uu)", SIDE, SIDE));
  scene->window = show (scene->box);
  g_signal_emit_by_name (scene->pipe->receiver, "buffer", description, frame);
  widget_test_wait_words (scene->box, "There is no space left");
  widget_test_wait_words (scene->box, "Backup");
  widget_test_wait_words (scene->box, REASON);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  gtk_window_destroy (GTK_WINDOW (scene->window));
  ferry_executor_cancel_all (scene->test->executor);
  ferry_test_pipe_free (scene->pipe);
  queue_test_free (scene->queue);
}

/* ---- how it looks ---- */

typedef struct
{
  GtkWidget *widget; /* what has a picture of its own */
  int width;         /* that it waits for; 0: any */
  guint n_turns;
  GdkTexture *texture; /* (owned) (nullable) */
} Wanted;

/* The look comes with the next frame, and rows of another height with that behind it. Between two frames of a window
 * that is drawn anew there is no picture. */
static gboolean
is_taken (gpointer data)
{
  Wanted *wanted = data;

  if (!gtk_widget_get_mapped (wanted->widget) ||
      (wanted->width > 0 && gtk_widget_get_width (wanted->widget) != wanted->width) || wanted->n_turns++ < 4)
    return FALSE;
  wanted->texture = look_test_take (wanted->widget);
  return wanted->texture != NULL;
}

static guint
count_colors (GdkTexture *texture)
{
  gsize stride = 4 * (gsize) gdk_texture_get_width (texture);
  gsize n_pixels = stride / 4 * (gsize) gdk_texture_get_height (texture);
  g_autofree guint32 *pixels = g_new (guint32, n_pixels);
  g_autoptr (GHashTable) colors = g_hash_table_new (NULL, NULL);

  gdk_texture_download (texture, (guchar *) pixels, stride);
  for (gsize i = 0; i < n_pixels; i++)
    g_hash_table_add (colors, GUINT_TO_POINTER (pixels[i]));
  return g_hash_table_size (colors);
}

static void
save (GdkTexture *texture, const char *what, const char *look, int width)
{
  const char *folder = g_getenv ("FERRY_GALLERY");
  g_autofree char *name = g_strdup_printf ("%s%s-%d.png", what, look, width);
  g_autofree char *path = folder != NULL ? g_build_filename (folder, name, NULL) : NULL;

  if (path != NULL)
    g_assert_true (gdk_texture_save_to_png (texture, path));
}

static void
take_picture (Scene *scene, const Look *look, int width)
{
  g_autoptr (GdkTexture) texture = NULL;
  Wanted wanted = {.widget = scene->window, .width = width};

  /* A display may be narrower than the window. GTK makes no window wider than that, unless it has to. */
  gtk_widget_set_size_request (scene->window, width, HEIGHT);
  gtk_window_set_default_size (GTK_WINDOW (scene->window), width, HEIGHT);
  ferry_test_look_until (is_taken, &wanted);
  texture = wanted.texture;
  g_assert_cmpint (gdk_texture_get_width (texture), ==, width);
  /* The frame of the remote picture alone has more than a thousand. */
  g_assert_cmpuint (count_colors (texture), >, 1000);
  save (texture, "", look->name, width);
}

static void
take_picture_of_popover (Scene *scene, const Look *look, int width)
{
  g_autoptr (GdkTexture) texture = NULL;
  Wanted wanted = {.widget = GTK_WIDGET (scene->popover)};

  gtk_popover_popup (scene->popover);
  ferry_test_look_until (is_taken, &wanted);
  texture = wanted.texture;
  g_assert_cmpuint (count_colors (texture), >, 10);
  save (texture, "popover-", look->name, width);
  gtk_popover_popdown (scene->popover);
}

static void
test_widgets_fit_in_each_look (void)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (looks); i++)
    {
      look_test_set (looks[i].theme, looks[i].dark, looks[i].text_percent);
      gtk_widget_set_default_direction (looks[i].direction);
      for (guint j = 0; j < G_N_ELEMENTS (widths); j++)
        {
          take_picture (&scene, &looks[i], widths[j]);
          take_picture_of_popover (&scene, &looks[i], widths[j]);
        }
    }
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
  look_test_reset ();
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  g_test_add_func ("/gallery/widgets-fit-in-each-look", test_widgets_fit_in_each_look);
  return g_test_run ();
}
