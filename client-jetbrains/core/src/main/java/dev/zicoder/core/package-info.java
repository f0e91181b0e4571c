/**
 * What the JetBrains client does that needs no IDE: putting streams into order, writing arguments, reading settings.
 * Depends on LSP4J and Gson only, so that it is compiled and tested without one.
 */
package dev.zicoder.core;
