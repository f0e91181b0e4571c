import org.jetbrains.intellij.platform.gradle.IntelliJPlatformType

plugins {
    java
    id("org.jetbrains.intellij.platform") version "2.10.5"
}

group = "dev.zicoder"
version = providers.fileContents(layout.projectDirectory.file("../server/zicoder/__init__.py"))
    .asText.map { Regex("__version__ = \"([^\"]+)\"").find(it)!!.groupValues[1] }.get()

java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }

repositories {
    mavenCentral()
    intellijPlatform { defaultRepositories() }
}

dependencies {
    // LSP4J and Gson come with LSP4IJ; a second copy in the plug-in would clash with it.
    implementation(project(":core")) { isTransitive = false }
    intellijPlatform {
        create(IntelliJPlatformType.IntellijIdeaCommunity, "2024.2.6")
        plugin("com.redhat.devtools.lsp4ij", "0.20.0")
    }
}

intellijPlatform {
    pluginConfiguration { ideaVersion { sinceBuild = "242" } }
    pluginVerification { ides { recommended() } }
}
